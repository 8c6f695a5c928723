/**
 * The outside world of the soak, in a process that nobody kills: it takes calls over HTTP on loopback, and notes of each who
 * made it, and when it began and ended by its own clock.
 *
 *   POST /calls { kind, run, key?, pid, delayMs }  ->  { reference }      GET /calls  ->  every call
 */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

const calls = [];
const references = new Map();

createServer((request, response) => {
  if (request.method === 'GET') return void response.end(JSON.stringify(calls));
  text(request).then(
    (body) => take(JSON.parse(body), response),
    // The caller died before it had said what it wants.
    () => response.destroy(),
  );
}).listen(0, '127.0.0.1', function () {
  process.send({ type: 'ready', url: `http://127.0.0.1:${this.address().port}` });
});
process.once('disconnect', () => process.exit());

async function take({ kind, run, key, pid, delayMs }, response) {
  const call = { kind, run, key, pid, begin: Date.now(), end: Infinity };
  calls.push(call);
  const reference =
    key === undefined ? `call-${calls.length}` : (references.get(key) ?? `call-${calls.length}`);
  if (key !== undefined) references.set(key, reference);
  // The caller has died, or called it off.
  response.once('close', () => (call.end = Math.min(call.end, Date.now())));
  await pause(delayMs);
  call.end = Math.min(call.end, Date.now());
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ reference }));
}
