import type { ServiceName } from '../../services/service.ts';

export const helpdeskServices: ServiceName = {
  folder: 'helpdesk-router',
  title: 'helpdesk services',
  variable: 'HELPDESK_SERVICES',
};
