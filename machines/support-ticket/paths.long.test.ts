/** Every path of the support ticket, killed at each of its writes, and its races in both orders. */
import { paths } from 'signalbox/graph';

import { testEveryPath } from '../../test/support/every-path.ts';
import { supportTicket } from './index.ts';

testEveryPath(supportTicket, paths(supportTicket));
