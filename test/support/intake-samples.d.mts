import type { Document } from '../../machines/document-intake/schemas.ts';

export function intakeSamples(): Promise<Readonly<Record<string, Document>>>;
export function written(sample: Document): string;
