/** Runs the helpdesk services as a process of their own. */
import { runService } from '../../services/run-service.ts';
import { helpdeskService } from './app.ts';
import { helpdeskServices } from './names.ts';

await runService(helpdeskServices, helpdeskService);
