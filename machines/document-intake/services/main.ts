/** Runs the intake services as a process of their own. */
import { runService } from '../../services/run-service.ts';
import { intakeService } from './app.ts';
import { intakeServices } from './names.ts';

await runService(intakeServices, intakeService);
