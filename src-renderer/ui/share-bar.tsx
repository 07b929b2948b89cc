interface SharePart {
  /** Gives its colour: `share-KEY`. */
  readonly key: string;
  readonly label: string;
  readonly value: number;
}

interface ShareBarProps {
  readonly label: string;
  readonly parts: readonly SharePart[];
  readonly format: (value: number) => string;
}

/** Parts of a whole, in one line. It says nothing that the words beside it do not say: for readers of the screen it is one picture. */
export function ShareBar({ label, parts, format }: ShareBarProps) {
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  const words = parts.map((part) => `${part.label} ${format(part.value)}`).join(', ');
  return (
    <div className="share-bar" role="img" aria-label={`${label}: ${words}`}>
      {parts
        .filter((part) => part.value > 0)
        .map((part) => (
          <span
            key={part.key}
            className={`share share-${part.key}`}
            style={{ flexGrow: part.value / Math.max(1, total) }}
            title={`${part.label}: ${format(part.value)}`}
          />
        ))}
    </div>
  );
}
