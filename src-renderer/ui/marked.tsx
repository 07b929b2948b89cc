/** A text with every occurrence of the query marked; case does not count. */
export function Marked({ text, query, current = false }: { readonly text: string; readonly query: string; readonly current?: boolean }) {
  if (query === '') return <>{text}</>;
  const parts: { readonly at: number; readonly text: string; readonly hit: boolean }[] = [];
  const lower = text.toLowerCase();
  const wanted = query.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    if (at > from) parts.push({ at: from, text: text.slice(from, at), hit: false });
    parts.push({ at, text: text.slice(at, at + wanted.length), hit: true });
    from = at + wanted.length;
  }
  parts.push({ at: from, text: text.slice(from), hit: false });
  return (
    <>
      {parts.map((part) =>
        part.hit ? (
          <mark key={part.at} className={current ? 'mark-current' : undefined}>
            {part.text}
          </mark>
        ) : (
          part.text
        ),
      )}
    </>
  );
}
