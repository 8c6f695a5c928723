/** Clearly less than the square. */
const enough = 3;
const attempts = 5;

/**
 * How much longer a piece of work takes on eight times the input, divided by eight: about 1 if its time grows with the size of
 * the input, about 8 if it grows with the square. No clock of a slow machine changes that. Tries again while other load on the
 * machine may be why it looks like the square; the shortest of all tries count.
 */
export function growthOf(work: (size: number) => unknown, size: number): number {
  let [small, large] = [Infinity, Infinity];
  for (let attempt = 0; attempt < attempts && !(large / small < enough); attempt++) {
    const eighths = durationOf(() => {
      for (let times = 0; times < 8; times++) work(Math.floor(size / 8));
    });
    small = Math.min(small, eighths);
    large = Math.min(
      large,
      durationOf(() => work(size)),
    );
  }
  return large / small;
}

function durationOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
