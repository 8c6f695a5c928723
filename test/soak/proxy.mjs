/** A way to a TCP port of loopback whose connections can be cut, also while a reply is on its way. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export async function startProxy(port) {
  const pairs = new Set();
  let isDropping = false;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    const pair = { client, upstream };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (!isDropping) client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function cut() {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
  }

  return {
    port: server.address().port,
    /** Requests arrive, replies are lost for so long; then every connection is reset. */
    async cutMidReply(ms) {
      isDropping = true;
      await pause(ms);
      cut();
      isDropping = false;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
