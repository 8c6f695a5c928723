/** What an action is called: by its name, or by what XState's own does. */
import { cut } from './plain-text.ts';

const longestParameter = 24;

/** What a function is called that was written where it stands, after the key that it stands under. */
const keys = new Set(['', 'actions', 'entry', 'exit']);

/** `keepDraft`, `countFailure(draft)`, `assign amount, reason`, `raise RETRY`, `inline action`. */
export function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  if (typeof action === 'function') {
    const { type } = action as { readonly type?: unknown };
    if (typeof type === 'string') return builtinName(type.replace(/^xstate\./, ''), action);
    return keys.has(action.name) ? 'inline action' : action.name;
  }
  const { type, params } = action as { readonly type: string; readonly params?: unknown };
  return isShort(params) ? `${type}(${String(params)})` : type;
}

function isShort(params: unknown): boolean {
  return (
    (typeof params === 'string' && params.length <= longestParameter) ||
    typeof params === 'number' ||
    typeof params === 'boolean'
  );
}

interface BuiltinSettings {
  readonly assignment?: unknown;
  readonly event?: unknown;
  readonly eventOrExpr?: unknown;
  readonly src?: unknown;
}

function builtinName(kind: string, action: object): string {
  const { assignment, event, eventOrExpr, src } = action as BuiltinSettings;
  if (typeof assignment === 'object' && assignment !== null) {
    return cut(`${kind} ${Object.keys(assignment).join(', ')}`, 2 * longestParameter);
  }
  const about = [event, eventOrExpr].map(typeOf).find((type) => type !== undefined) ?? src;
  return typeof about === 'string' ? `${kind} ${about}` : kind;
}

function typeOf(event: unknown): string | undefined {
  return typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string'
    ? event.type
    : undefined;
}
