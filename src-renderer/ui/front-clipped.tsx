interface FrontClippedProps {
  /** Gives way from its beginning when there is too little room. */
  readonly head: string;
  /** Stays as long as it can. */
  readonly tail: string;
  /** All of it. */
  readonly title: string;
}

/** A path whose end says more than its beginning. */
export function FrontClipped({ head, tail, title }: FrontClippedProps) {
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
