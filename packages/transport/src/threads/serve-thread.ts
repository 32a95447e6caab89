import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Command, ThreadEvent, ThreadSetup } from './messages.ts';
import { Outbox } from './outbox.ts';
import { type PieceDigest, ThreadDownlink, type ThreadParts } from './thread-downlink.ts';

/** What the entry of a data thread calls: it dials and receives for the thread that started it. */
export const serveDataThread = (hasher: () => PieceDigest): void => {
  const { words, lingerMs } = workerData as ThreadSetup;
  const port = parentPort as MessagePort;
  const connections = new Map<number, ThreadDownlink>();
  const outbox = new Outbox((events: readonly ThreadEvent[]) => {
    for (const { id, type } of events) if (type === 'gone') connections.delete(id);
    port.postMessage(events);
  });
  const take = (command: Command): void => {
    const { id, type } = command;
    if (type === 'dial') connections.set(id, new ThreadDownlink(id, command.address, parts));
    const connection = connections.get(id);
    if (connection) obey(connection, command);
  };
  const parts: ThreadParts = {
    words,
    lingerMs,
    outbox,
    hasher,
    obey() {
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port))
        take(next.message as Command);
    },
  };
  port.on('message', take);
};

const obey = (connection: ThreadDownlink, command: Command): void => {
  switch (command.type) {
    case 'dial':
      return;
    case 'send':
      return connection.send(command.message);
    case 'refuse':
      return connection.refuse(command.code, command.reason);
    case 'destroy':
      return connection.destroy(command.reason);
    case 'pause':
    case 'resume':
      return connection.pause(command.type === 'pause');
    case 'route':
      return connection.route(command.key, command.span);
    case 'taken':
      return connection.taken(command.bytes);
  }
};
