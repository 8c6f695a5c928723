/** Each death of a process and of its successor, on every store. */
import { testEveryCommit } from './every-commit.ts';

testEveryCommit(['memory', 'SQLite', 'Redis'], { rounds: 'all' });
