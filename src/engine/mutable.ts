/** Of an object that is put together field by field before it is given away. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] };
