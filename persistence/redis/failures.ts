/** Which of a client's failures pass without a change of the call. ioredis gives no codes for its own. */
const codes = [
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'UNBLOCKED',
  'BUSY',
  'NOREPLICAS',
  'OOM',
  'MISCONF',
].join('|');
/** Redis 6.2 names the script before the error that ended it: `ERR Error running script (...): @user_script:1: -OOM ...`. */
const ofServer = new RegExp(`(^|: -?)(${codes}) `);
const ofSystem = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)/;
const ofClient =
  /connection (is|was|has been) closed|aborted due to connection|stream isn't writeable|failed to refresh slots cache|too many cluster redirections|none of startup nodes is available|command timed out|max number of clients reached/i;

export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    error.name === 'MaxRetriesPerRequestError' ||
    error.name === 'ClusterAllFailedError' ||
    ofServer.test(error.message) ||
    ofSystem.test(code) ||
    ofClient.test(error.message)
  );
}

/** Something else than ours is at a key. */
export function isWrongType(error: unknown): boolean {
  return error instanceof Error && /(^|: -?)WRONGTYPE /.test(error.message);
}
