/**
 * Strongly connected parts (Tarjan 1972), without recursion: graphs may be deep. Each part comes after those that it leads to.
 */
export function connectedParts<T>(nodes: readonly T[], next: (node: T) => readonly T[]): T[][] {
  const index = new Map<T, number>();
  const low = new Map<T, number>();
  const open: T[] = [];
  const isOpen = new Set<T>();
  const parts: T[][] = [];
  for (const root of nodes) {
    if (index.has(root)) continue;
    const work: Array<{ readonly node: T; readonly onward: readonly T[]; at: number }> = [];
    const enter = (node: T): void => {
      index.set(node, index.size);
      low.set(node, index.get(node) ?? 0);
      open.push(node);
      isOpen.add(node);
      work.push({ node, onward: next(node), at: 0 });
    };
    enter(root);
    for (let frame = work.at(-1); frame; frame = work.at(-1)) {
      const { node } = frame;
      const to = frame.onward[frame.at++];
      if (to !== undefined) {
        if (!index.has(to)) enter(to);
        else if (isOpen.has(to)) low.set(node, Math.min(low.get(node) ?? 0, index.get(to) ?? 0));
        continue;
      }
      work.pop();
      const above = work.at(-1)?.node;
      if (above !== undefined) low.set(above, Math.min(low.get(above) ?? 0, low.get(node) ?? 0));
      if (low.get(node) !== index.get(node)) continue;
      const part = open.splice(open.lastIndexOf(node));
      for (const one of part) isOpen.delete(one);
      parts.push(part);
    }
  }
  return parts;
}
