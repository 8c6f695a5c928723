/** Loads unpdf, which is an optional peer dependency, with the first file that is read. */

export type Unpdf = typeof import('unpdf');

/** Rejects with an error that names the package if it is not installed. */
export async function loadUnpdf(): Promise<Unpdf> {
  let unpdf: Unpdf;
  try {
    unpdf = await import('unpdf');
  } catch (cause) {
    throw new Error(
      'Reading PDF files needs the package unpdf, which could not be loaded. Install it with `npm install unpdf`.',
      { cause },
    );
  }
  completeArrayBuffer();
  return unpdf;
}

/**
 * unpdf puts what its PDF.js needs and an older Node has not into the globals, but for this one: Node 20 has no
 * `transferToFixedLength`, and what is drawn on a page cannot be listed without.
 */
function completeArrayBuffer(): void {
  if ('transferToFixedLength' in ArrayBuffer.prototype) return;
  Object.defineProperty(ArrayBuffer.prototype, 'transferToFixedLength', {
    configurable: true,
    writable: true,
    value(this: ArrayBuffer, length = this.byteLength): ArrayBuffer {
      const given = structuredClone(this, { transfer: [this] });
      const fitting = new ArrayBuffer(length);
      new Uint8Array(fitting).set(new Uint8Array(given, 0, Math.min(length, given.byteLength)));
      return fitting;
    },
  });
}
