/** What no reply may say, in the languages that the desk gets. Each is a phrase for `avoids`. */

/** Whether money goes back is decided elsewhere. "We cannot refund" and "we look into your refund" are no promise. */
export const refundPromises: readonly RegExp[] = [
  /\b(?:we|i)(?:['’]ll| will| shall| are going to| have|['’]ve| can)(?: (?!not\b)\w+){0,2} (?<!\b(?:your|the|a|any|this|that|about|of|for) )(?:refund|reimburse|credit|compensate)(?:e?d)?\b/i,
  /\byou(?:['’]ll| will| are going to) (?!not\b)[^.!?\n]{0,25}\b(?:refunded|reimbursed|credited|(?:a|the|your) (?:full )?(?:refund|credit)|money back)\b/i,
  /\b(?:refund|credit|money) (?:is|was|has been|will be) (?:approved|issued|granted|processed|sent|on its way|paid)\b/i,
  /(?<!\b(?:not|cannot|can['’]t|never|no one can|nobody can) )\b(?:issue|grant|approve|arrange|process)(?:d|s|ing)? (?:you )?(?:a|the|your) (?:full |partial )?(?:refund|credit)\b/i,
  /\bwir (?:werden |haben )?[^.!?\n]{0,40}\b(?:erstatten|erstattet|zurückerstattet|gutschreiben|gutgeschrieben)\b/i,
  /\bnous vous (?:rembours|créditer)|\b(?:le|les|te) (?:reembolsaremos|devolveremos)\b|返金(?:いたします|致します|します|しました)/i,
];

/** Guarantees, deadlines, presents and admissions are not a model's to give. */
export const promises: readonly RegExp[] = [
  /\bguarantee[ds]?\b|\b(?:we|i) (?:promise|assure|swear)\b|\bnever happen again\b/i,
  /\bgaranti(?:eren|ert|e)\b|\bversprechen\b|保証(?:いたします|します)|\bgaranti(?:zamos|ssons)\b/i,
  /\b(?:within|in) (?:the next )?(?:\d+|an?|one|two|three|a few) (?:minute|hour|day|business day|working day|week)s?\b/i,
  /\bby (?:tomorrow|tonight|monday|tuesday|wednesday|thursday|friday|the end of the (?:day|week))\b/i,
  /\binnerhalb von \d+|\bbis (?:morgen|übermorgen|freitag)\b/i,
  /\bfree (?:month|week|year|upgrade)s?\b|\b(?:month|week|year)s? (?:for )?free\b|\bvoucher\b|\bcompensation\b/i,
  /\b(?:we are|we['’]re|i am) (?:fully |legally )?(?:liable|at fault|negligent)\b|\bour (?:fault|negligence)\b|\bwir haften\b/i,
];

/** That somebody was told is for the mail's last line to say, which knows. */
export const claimsOfAlarm: readonly RegExp[] = [
  /\b(?:paged|alerted|woken|escalated)\b/i,
  /\b(?:opened|raised|created) an? (?:incident|ticket)\b/i,
  /\b(?:alarmiert|eskaliert|alertée?s?|alertado)\b/i,
];

/** Keys, and numbers as long as those of cards. */
export const secretForms: readonly RegExp[] = [
  /\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][\w-]{12,}|\bAKIA[0-9A-Z]{12,}/,
  /\b\d(?:[ -]?\d){12,18}\b/,
  /-----BEGIN [A-Z ]*KEY-----/,
];

/** `my password is hunter2`: the words that a request gives away. Only what has a digit or a sign in it looks like one. */
export function secretsIn(text: string): string[] {
  const named = text.matchAll(
    /(?:pass(?:word|wort|code|phrase)|passwd|pwd|kennwort|mot de passe|contraseña|\bpin|api[ _-]?key|\bsecret|\btoken)\s*(?:is|ist|est|es|lautet|:|=)+\s*["'“«]?(\S{4,64})/giu,
  );
  const words = [...named].map(([, word = '']) => word.replace(/[.,;:)\]"'”»]+$/u, ''));
  return [...new Set(words.filter((word) => word.length >= 4 && /[\d!@#$%^&*_+=]/.test(word)))];
}

/**
 * Web and mail addresses, as they are written. A path makes an address of a name, or an ending that mail programs link by
 * themselves; `export.csv` is none.
 */
export function linksIn(text: string): string[] {
  const plain = text.replaceAll(/[\u00AD\u200B-\u200F\u2060\uFEFF]/g, '');
  const found = plain.match(
    /\b[a-z][a-z+.-]*:\/\/[^\s<>"')\]]+|\bwww\.[^\s<>"')\]]+|\bmailto:\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[\w-]+\.)+[a-z]{2,}\/[^\s<>"')\]]*|\b(?:[\w-]+\.)+(?:com|net|org|info|biz|io|dev|app|xyz|top|site|online|shop|link|ru|cn|de|fr|es|jp|uk|eu|example)\b/gi,
  );
  return [...new Set((found ?? []).map((link) => link.replace(/[.,;:!?*_]+$/, '')))];
}
