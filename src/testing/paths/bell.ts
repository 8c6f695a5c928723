/** Waits for a condition that is looked at whenever something has happened, and no longer than told, in real time. */
export interface Bell {
  /** Something has happened. */
  ring(): void;
  /** False if the condition did not hold in time. */
  until(holds: () => boolean, withinMs: number): Promise<boolean>;
}

export function createBell(): Bell {
  const waiting = new Set<() => void>();
  return {
    ring() {
      for (const look of waiting) look();
    },
    until(holds, withinMs) {
      if (holds()) return Promise.resolve(true);
      return new Promise((resolve) => {
        const finish = (held: boolean): void => {
          clearTimeout(timeout);
          waiting.delete(look);
          resolve(held);
        };
        const look = (): void => {
          if (holds()) finish(true);
        };
        const timeout = setTimeout(() => finish(holds()), withinMs);
        waiting.add(look);
      });
    },
  };
}
