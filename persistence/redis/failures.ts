/** Which of a client's failures pass by themselves, or with a reconnection. ioredis gives no codes for its own. */
const ofServer = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|UNBLOCKED|BUSY) /;
const ofSystem = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)/;
const ofClient =
  /connection (is|was|has been) closed|aborted due to connection|stream isn't writeable|failed to refresh slots cache/i;

export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    error.name === 'MaxRetriesPerRequestError' ||
    ofServer.test(error.message) ||
    ofSystem.test(code) ||
    ofClient.test(error.message)
  );
}
