interface FrontClippedProps {
  readonly text: string;
  /** Where that is not all of it. */
  readonly title?: string;
}

/** A path whose end says more than its beginning: what stands before its last part gives way where there is too little room. */
export function FrontClipped({ text, title = text }: FrontClippedProps) {
  const { head, tail } = splitPath(text);
  return (
    <span className="front-clipped" title={title}>
      {head === '' ? null : (
        <span className="front-clipped-head">
          <bdi dir="ltr">{head}</bdi>
        </span>
      )}
      <span className="front-clipped-tail">{tail}</span>
    </span>
  );
}

/** A port and a tag stay where they are: only a slash divides. */
export function splitPath(text: string): { readonly head: string; readonly tail: string } {
  const at = text.lastIndexOf('/') + 1;
  return { head: text.slice(0, at), tail: text.slice(at) };
}
