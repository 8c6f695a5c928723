import type { ServiceName } from '../../services/service.ts';

export const supportServices: ServiceName = {
  folder: 'support-ticket',
  title: 'support services',
  variable: 'SUPPORT_SERVICES',
};
