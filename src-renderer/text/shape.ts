/** The same keys as `T`; a language without plural forms may leave out `_one`. */
export type SameKeys<T> = {
  [K in keyof T as K extends `${string}_one` ? never : K]: T[K] extends string ? string : SameKeys<T[K]>;
} & { [K in keyof T as K extends `${string}_one` ? K : never]?: string };
