import { useEffect, useMemo, useRef, useState } from 'react';
import { useText } from '../text/text.ts';
import { CopyButton } from './copy-button.tsx';
import { FindBar } from './find-bar.tsx';
import { Marked } from './marked.tsx';

interface Token {
  readonly at: number;
  readonly text: string;
  readonly kind: 'key' | 'string' | 'literal' | 'plain';
}

const tokenPattern = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b/gi;

/** One line of printed JSON, by meaning. */
export function tokensOf(line: string): readonly Token[] {
  const tokens: Token[] = [];
  let from = 0;
  for (const match of line.matchAll(tokenPattern)) {
    if (match.index > from) tokens.push({ at: from, text: line.slice(from, match.index), kind: 'plain' });
    const text = match[1] ?? match[0];
    tokens.push({ at: match.index, text, kind: match[1] === undefined ? 'literal' : match[2] === undefined ? 'string' : 'key' });
    from = match.index + text.length;
  }
  if (from < line.length) tokens.push({ at: from, text: line.slice(from), kind: 'plain' });
  return tokens;
}

/** A value as coloured JSON that can be searched and copied. */
export function JsonView({ value, label }: { readonly value: unknown; readonly label: string }) {
  const { t } = useText();
  const [query, setQuery] = useState('');
  const [current, setCurrent] = useState(0);
  const currentLine = useRef<HTMLDivElement>(null);
  const printed = useMemo(() => JSON.stringify(value, undefined, 2), [value]);
  const lines = useMemo(() => printed.split('\n').map((line) => ({ line, tokens: tokensOf(line) })), [printed]);
  const hits = useMemo(() => {
    const wanted = query.toLowerCase();
    return wanted === '' ? [] : lines.flatMap(({ line }, index) => (line.toLowerCase().includes(wanted) ? [index] : []));
  }, [lines, query]);
  const shown = hits[current];
  useEffect(() => {
    currentLine.current?.scrollIntoView({ block: 'nearest' });
  }, [shown, query]);
  return (
    <div className="json-view">
      <div className="toolbar">
        <FindBar
          label={t('inspect.searchLabel')}
          placeholder={t('inspect.searchPlaceholder')}
          query={query}
          onQuery={(next) => {
            setQuery(next);
            setCurrent(0);
          }}
          count={hits.length}
          current={current}
          onStep={(step) => {
            setCurrent((now) => (now + step + hits.length) % Math.max(1, hits.length));
          }}
        />
        <span className="toolbar-end">
          {t('inspect.copyAll')} <CopyButton value={printed} what="JSON" />
        </span>
      </div>
      <pre className="json" tabIndex={0} role="region" aria-label={label}>
        {lines.map(({ tokens }, index) => (
          // The lines of a printed value have no other identity than their place.
          <div key={index} ref={index === shown ? currentLine : undefined}>
            {tokens.map((token) => (
              <span key={token.at} className={`json-${token.kind}`}>
                <Marked text={token.text} query={query} current={index === shown} />
              </span>
            ))}
          </div>
        ))}
      </pre>
    </div>
  );
}
