/** Points in time and spans of it, for people. */

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `340 ms`, `1.4 s`, `2 min 3 s`, `3 h 4 min`, `2 d 4 h`. */
export function span(ms: number): string {
  if (ms < second) return `${Math.round(ms)} ms`;
  if (ms < minute) return `${(ms / second).toFixed(1)} s`;
  if (ms < hour) return two(ms, minute, 'min', second, 's');
  if (ms < day) return two(ms, hour, 'h', minute, 'min');
  return two(ms, day, 'd', hour, 'h');
}

function two(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** `3 h ago`: how long since, in its largest unit alone. */
export function ago(at: number, now: number): string {
  const unit = [day, hour, minute, second].find((size) => now - at >= size);
  if (unit === undefined) return 'just now';
  return `${span(Math.floor((now - at) / unit) * unit).replace('.0', '')} ago`;
}

/** Local time: `2026-11-20 23:01:02`. */
export function dateTime(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${time(at)}`;
}

/** Local time of day: `23:01:02`. */
export function time(at: number): string {
  const date = new Date(at);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** `in 3 h`, or `3 h overdue`. */
export function until(at: number, now: number): string {
  return at >= now ? `in ${span(at - now)}` : `${span(now - at)} overdue`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
