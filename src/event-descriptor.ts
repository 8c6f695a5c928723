/** Whether an event type matches a descriptor such as `APPROVE`, `user.*` or `*`. */
export function matchesDescriptor(type: string, descriptor: string): boolean {
  return (
    descriptor === type ||
    descriptor === '*' ||
    (descriptor.endsWith('.*') && `${type}.`.startsWith(descriptor.slice(0, -1)))
  );
}
