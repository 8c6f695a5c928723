/** Runs the support services as a process of their own. */
import { runService } from '../../services/run-service.ts';
import { supportService } from './app.ts';
import { supportServices } from './names.ts';

await runService(supportServices, supportService);
