/** By which entry of an index a run was found to be due, until somebody acquires it; the latest ones only. */
export interface Findings {
  add(runId: string, entry: string): void;
  take(runId: string): string | undefined;
}

const maxFindings = 10_000;

export function createFindings(): Findings {
  const entries = new Map<string, string>();
  return {
    add(runId, entry) {
      entries.delete(runId);
      entries.set(runId, entry);
      if (entries.size <= maxFindings) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
    take(runId) {
      const entry = entries.get(runId);
      entries.delete(runId);
      return entry;
    },
  };
}
