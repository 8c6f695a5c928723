import type { RGB } from 'pdf-lib';

export interface Drawn {
  readonly text: string;
  readonly x?: number;
  readonly y?: number;
  readonly size?: number;
  readonly color?: RGB;
}

export function letter(...pages: ReadonlyArray<ReadonlyArray<string | Drawn>>): Promise<Uint8Array>;
export function columns(left: readonly string[], right: readonly string[]): Promise<Uint8Array>;
export function scan(pageCount: number, recognized?: readonly string[]): Promise<Uint8Array>;
export function blank(pageCount: number): Promise<Uint8Array>;
export function form(title: string, fields: Readonly<Record<string, string>>): Promise<Uint8Array>;
export function unicode(lines: readonly string[]): Promise<Uint8Array>;
export function locked(text: string, password: string): Uint8Array;
