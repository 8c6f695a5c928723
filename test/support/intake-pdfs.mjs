/**
 * PDF files for the samples of the document intake: the same bytes every time. Nothing in them is random, and no date is
 * that of today.
 */
import { createHash } from 'node:crypto';

import { PDFDocument, PDFName, rgb, setTextRenderingMode, StandardFonts, TextRenderingMode } from 'pdf-lib';

const black = rgb(0, 0, 0);
const day = new Date('2026-03-02T09:00:00Z');
const lineHeight = 15;

/**
 * Pages of lines. A line may be text, or text with where and how it is drawn; a page may be drawn on beforehand.
 *
 * @typedef {{ text: string, x?: number, y?: number, size?: number, color?: import('pdf-lib').RGB }} Drawn
 * @typedef {ReadonlyArray<string | Drawn>} Lines
 * @param {ReadonlyArray<Lines>} pages
 */
export async function letter(...pages) {
  const document = await newDocument();
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (const lines of pages) {
    const page = document.addPage([595, 842]);
    let y = 790;
    for (const line of lines) {
      const { text, ...where } = typeof line === 'string' ? { text: line } : line;
      page.drawText(text, { x: 60, y, size: 11, font, color: black, ...where });
      if (where.y === undefined) y -= lineHeight;
    }
  }
  return bytesOf(document);
}

/** Two columns, drawn line by line across the page, as some programs do. */
export async function columns(left, right) {
  const lines = [];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const y = 790 - index * lineHeight;
    if (left[index]) lines.push({ text: left[index], x: 60, y, size: 10 });
    if (right[index]) lines.push({ text: right[index], x: 320, y, size: 10 });
  }
  return letter(lines);
}

/**
 * Pictures of pages, as from a scanner: grey, a little askew, and without a letter of text, but for what a program has put
 * behind the first one, where nobody sees it.
 */
export async function scan(pageCount, recognized = []) {
  const document = await newDocument();
  const font = await document.embedFont(StandardFonts.Helvetica);
  const width = 120;
  const height = 160;
  const pixels = Uint8Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [index % width, Math.floor(index / width)];
    const inked = y % 12 < 3 && x > 12 && x < 108 && (x * 7 + y * 3) % 11 < 7;
    return inked ? 40 : 235;
  });
  const picture = document.context.register(
    document.context.flateStream(pixels, {
      Type: 'XObject',
      Subtype: 'Image',
      Width: width,
      Height: height,
      ColorSpace: 'DeviceGray',
      BitsPerComponent: 8,
    }),
  );
  for (let index = 0; index < pageCount; index += 1) {
    const page = document.addPage([595, 842]);
    page.node.setXObject(PDFName.of('Scan'), picture);
    const draw = document.context.flateStream('q 594 8 -8 841 0 0 cm /Scan Do Q');
    page.node.addContentStream(document.context.register(draw));
    if (index > 0 || recognized.length === 0) continue;
    page.pushOperators(setTextRenderingMode(TextRenderingMode.Invisible));
    for (const [row, text] of recognized.entries()) {
      page.drawText(text, { x: 60, y: 790 - row * lineHeight, size: 11, font });
    }
  }
  return bytesOf(document);
}

/** Pages on which nothing is drawn. */
export async function blank(pageCount) {
  const document = await newDocument();
  for (let index = 0; index < pageCount; index += 1) document.addPage([595, 842]);
  return bytesOf(document);
}

/** A form that was filled in. What is asked is on the page, what was answered is in the fields. */
export async function form(title, fields) {
  const document = await newDocument();
  const font = await document.embedFont(StandardFonts.Helvetica);
  const page = document.addPage([595, 842]);
  page.drawText(title, { x: 60, y: 790, size: 14, font });
  let y = 740;
  for (const [name, value] of Object.entries(fields)) {
    page.drawText(name, { x: 60, y: y + 5, size: 10, font });
    const field = document.getForm().createTextField(name);
    field.setText(value);
    field.addToPage(page, { x: 200, y, width: 320, height: 20, font });
    y -= 34;
  }
  return bytesOf(document);
}

/** Lines in a script that the standard fonts have not: the codes are those of Unicode, the font is the reader's to find. */
export async function unicode(lines) {
  const document = await newDocument();
  const { context } = document;
  const toUnicode = context.flateStream(
    `/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapName /Own def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange
endcmap CMapName currentdict /CMap defineresource pop end end`,
  );
  const descendant = context.obj({
    Type: 'Font',
    Subtype: 'CIDFontType2',
    BaseFont: 'Mincho',
    CIDSystemInfo: context.obj({ Registry: 'Adobe', Ordering: 'Identity', Supplement: 0 }),
    DW: 1000,
    FontDescriptor: context.register(
      context.obj({
        Type: 'FontDescriptor',
        FontName: 'Mincho',
        Flags: 4,
        FontBBox: [0, -200, 1000, 900],
        ItalicAngle: 0,
        Ascent: 880,
        Descent: -120,
        CapHeight: 700,
        StemV: 80,
      }),
    ),
  });
  const font = context.register(
    context.obj({
      Type: 'Font',
      Subtype: 'Type0',
      BaseFont: 'Mincho',
      Encoding: 'Identity-H',
      DescendantFonts: [context.register(descendant)],
      ToUnicode: context.register(toUnicode),
    }),
  );
  const page = document.addPage([595, 842]);
  page.node.setFontDictionary(PDFName.of('Own'), font);
  const codes = (text) =>
    Array.from(text, (sign) => sign.charCodeAt(0).toString(16).padStart(4, '0')).join('');
  const drawn = lines.map((line, index) => `1 0 0 1 60 ${790 - index * 20} Tm <${codes(line)}> Tj`);
  const draw = context.flateStream(`BT /Own 12 Tf\n${drawn.join('\n')}\nET`);
  page.node.addContentStream(context.register(draw));
  return bytesOf(document);
}

/** Locked with a password by the standard handler, revision 2 (PDF 32000-1, 7.6.3): a file of long ago. */
export function locked(text, password) {
  const id = createHash('md5').update('document-intake').digest();
  const padded = pad(password);
  const owner = rc4(md5(padded).subarray(0, 5), padded);
  const permissions = Buffer.alloc(4);
  permissions.writeInt32LE(-4);
  const key = md5(Buffer.concat([padded, owner, permissions, id])).subarray(0, 5);
  const user = rc4(key, pad(''));
  const content = rc4(
    md5(Buffer.concat([key, Buffer.from([4, 0, 0, 0, 0])])).subarray(0, 10),
    Buffer.from(`BT /F1 11 Tf 60 790 Td (${text}) Tj ET`),
  );
  return written(
    [
      ['<< /Type /Catalog /Pages 2 0 R >>'],
      ['<< /Type /Pages /Kids [3 0 R] /Count 1 >>'],
      [
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
      ],
      [`<< /Length ${content.length} >>\nstream\n`, content, '\nendstream'],
      ['<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>'],
      [`<< /Filter /Standard /V 1 /R 2 /P -4 /O <${owner.toString('hex')}> /U <${user.toString('hex')}> >>`],
    ],
    `/Root 1 0 R /Encrypt 6 0 R /ID [<${id.toString('hex')}> <${id.toString('hex')}>]`,
  );
}

/** A file by its objects, numbered from 1. */
function written(objects, trailer) {
  const parts = [Buffer.from('%PDF-1.4\n')];
  const offsets = [];
  let length = parts[0].length;
  const add = (part) => {
    const bytes = Buffer.from(part);
    parts.push(bytes);
    length += bytes.length;
  };
  for (const [index, pieces] of objects.entries()) {
    offsets.push(length);
    add(`${index + 1} 0 obj\n`);
    for (const piece of pieces) add(piece);
    add('\nendobj\n');
  }
  const start = length;
  const rows = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`);
  add(`xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows.join('')}`);
  add(`trailer\n<< /Size ${objects.length + 1} ${trailer} >>\nstartxref\n${start}\n%%EOF\n`);
  return Buffer.concat(parts);
}

function pad(password) {
  const padding = '28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A';
  return Buffer.concat([Buffer.from(password, 'latin1'), Buffer.from(padding, 'hex')]).subarray(0, 32);
}

function md5(bytes) {
  return createHash('md5').update(bytes).digest();
}

function rc4(key, bytes) {
  const state = Uint8Array.from({ length: 256 }, (_, index) => index);
  const swap = (one, other) => ([state[one], state[other]] = [state[other], state[one]]);
  for (let i = 0, j = 0; i < 256; i += 1) {
    j = (j + state[i] + key[i % key.length]) & 255;
    swap(i, j);
  }
  let i = 0;
  let j = 0;
  return Buffer.from(bytes, 0, bytes.length).map((byte) => {
    i = (i + 1) & 255;
    j = (j + state[i]) & 255;
    swap(i, j);
    return byte ^ state[(state[i] + state[j]) & 255];
  });
}

async function newDocument() {
  const document = await PDFDocument.create({ updateMetadata: false });
  document.setCreationDate(day);
  document.setModificationDate(day);
  return document;
}

async function bytesOf(document) {
  return Buffer.from(await document.save({ updateFieldAppearances: false }));
}
