/** What the stand-in tells the test that started it: things that Electron would show to a person. */
export type Report =
  /** The debugging port of the Chromium that holds the windows. */
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'shown'; readonly title: string }
  | { readonly kind: 'opened-external'; readonly url: string }
  | { readonly kind: 'menu'; readonly roles: readonly string[] };

export function report(message: Report): void {
  process.send?.(message);
}
