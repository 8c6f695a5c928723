/** Every path of the long document, killed at each of its writes, and its races in both orders. */
import { paths } from 'signalbox/graph';

import { testEveryPath } from '../../test/support/every-path.ts';
import { longDocument } from './index.ts';

testEveryPath(longDocument, paths(longDocument));
