#!/usr/bin/env node
/** The `signalbox` binary: runs one command as this process. */
import { runCommandLine } from './run-command-line.ts';
import { oneLine } from './text.ts';

// Node's own way to print warnings takes several lines, and says of its SQLite that it is experimental.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
  if (name !== 'ExperimentalWarning') process.stderr.write(`warning: ${oneLine(message)}\n`);
});

// Whoever read our output has closed it, as `head` does. Runs are safe where they are.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const exitCode = await runCommandLine(process.argv.slice(2));
// A workflow's own work may still hold the process; it was told to stop. What was written is flushed first.
process.stdout.write('', () => process.exit(exitCode));
