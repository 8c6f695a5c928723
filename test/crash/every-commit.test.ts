/** Each death of one process, in memory; the stores with files and servers, and successors that die, are in the long suite. */
import { testEveryCommit } from './every-commit.ts';

testEveryCommit(['memory']);
