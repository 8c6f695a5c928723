/** What the process of a service, whoever starts it and whoever calls it agree on. */
import type { FaultTargets } from './faults.ts';
import type { Ledger } from './ledger.ts';

/** Which service is meant. */
export interface ServiceName {
  /** The folder in `machines` that it belongs to; its program is `services/main.ts` there. */
  readonly folder: string;
  /** For people, such as `support services`. */
  readonly title: string;
  /** In the environment, `<variable>_URL` says where it is, and `<variable>_FAULTS` orders faults. */
  readonly variable: string;
}

/** What a service does, once it is given a place to write. */
export interface Service {
  /** What faults can be ordered for. */
  readonly faultTargets: FaultTargets;
  open(options: OpenOptions): OpenService;
}

export interface OpenOptions {
  readonly ledger: Ledger;
  /** Ends the process, as a crash would. */
  die(): void;
}

export interface OpenService {
  fetch(request: Request): Response | Promise<Response>;
  close?(): Promise<void>;
}
