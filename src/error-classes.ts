/**
 * Error classes, by which guards tell failures apart with `instanceof`: those that everybody knows, and those that a workflow
 * registers.
 *
 * An error is stored with the names of its classes, and comes back as an instance of those that are known. A class that is
 * not registered is not known before a restart either, so a guard answers the same before and after.
 */
import * as signalboxErrors from './errors.ts';

const { InvalidOption, SignalboxError, WorkflowInvalid } = signalboxErrors;

export type ErrorClass = abstract new (...args: never[]) => Error;

/** Classes by their names. */
export interface ErrorClasses {
  get(name: string): ErrorClass | undefined;
  /** Called with each error that a value holds, as it is before it is copied. */
  seen?(error: Error): void;
}

/** The classes that need not be registered. */
export const commonErrorClasses: ReadonlyMap<string, ErrorClass> = new Map(
  [
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    ...Object.values(signalboxErrors).filter(
      (exported) => exported === SignalboxError || exported.prototype instanceof SignalboxError,
    ),
  ].map((errorClass) => [errorClass.name, errorClass as unknown as ErrorClass]),
);

const maps = new WeakMap<readonly ErrorClass[], ReadonlyMap<string, ErrorClass>>();
const none: ReadonlyMap<string, ErrorClass> = new Map();

/** The classes that a workflow registers. */
export function errorClassesOf(errors: readonly ErrorClass[] | undefined): ReadonlyMap<string, ErrorClass> {
  if (!errors) return none;
  const known = maps.get(errors);
  if (known) return known;
  const made = new Map(errors.map((errorClass) => [errorClass.name, errorClass]));
  maps.set(errors, made);
  return made;
}

/** Refuse classes that could not be told apart when they come back out of a store. */
export function refuseErrorClasses(workflow: string, errors: readonly unknown[]): void {
  const names = new Set<string>();
  for (const [index, errorClass] of errors.entries()) {
    if (!isErrorClass(errorClass)) {
      throw new InvalidOption(
        `Expected \`errors[${index}]\` of workflow \`${workflow}\` to be a class that extends \`Error\`, got \`${String(errorClass)}\`.`,
        { details: { field: `errors[${index}]` } },
      );
    }
    const { name } = errorClass;
    const problem =
      name === ''
        ? 'has no name, by which it could be found again'
        : name === 'Error' || commonErrorClasses.has(name)
          ? 'has the name of a class that needs no registering'
          : names.has(name)
            ? 'has the name of another that is registered'
            : undefined;
    if (problem) {
      throw new WorkflowInvalid(
        `Error class \`${name}\` of workflow \`${workflow}\` (\`errors[${index}]\`) ${problem}. Give each class a name of its own.`,
        { details: { errorClass: name, field: `errors[${index}]` } },
      );
    }
    names.add(name);
  }
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && (value as { prototype?: unknown }).prototype instanceof Error;
}
