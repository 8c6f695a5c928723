/** An error in a few words, to tell one failure of an actor from another. */

/** Its code in words, and what tells it from others of that code: `model call failed, status 529`. */
export function errorLabel(error: Error): string {
  const { code, details = {} } = error as {
    readonly code?: unknown;
    readonly details?: Readonly<Record<string, unknown>>;
  };
  if (typeof code !== 'string') return 'failed';
  const told = ['stopReason', 'status', 'kind', 'retryAfterMs'].flatMap((key) => {
    const value = details[key];
    if (typeof value === 'number') return [`${key === 'retryAfterMs' ? 'retry after' : key} ${value}`];
    return typeof value === 'string' ? [value.replaceAll('_', ' ')] : [];
  });
  return [code.toLowerCase().replaceAll('_', ' '), ...told].join(', ');
}
