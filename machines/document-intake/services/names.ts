import type { ServiceName } from '../../services/service.ts';

export const intakeServices: ServiceName = {
  folder: 'document-intake',
  title: 'intake services',
  variable: 'INTAKE_SERVICES',
};
