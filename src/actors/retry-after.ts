/** The wait in milliseconds that a `retry-after` header asks for, in seconds or until a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | null | undefined): number | undefined {
  if (!header?.trim()) return undefined;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, Math.round(wait)) : undefined;
}
