import { Star } from 'lucide-react';
import type { SearchResult } from '../../../src-main/contract/registry.ts';
import { toEngineError } from '../../client/notices.ts';
import { useText } from '../../text/text.ts';
import { ErrorBox } from '../../ui/error-box.tsx';
import { useImageSearch, useTags } from './queries.ts';

interface SearchResultsProps {
  /** What was searched for; it stays while another word is typed. */
  readonly term: string;
  /** The repository whose tags are shown; empty before one was picked. */
  readonly picked: string;
  readonly onPick: (repository: string) => void;
}

/** What registries have by that word. One is picked, and then a tag of it. */
export function SearchResults({ term, picked, onPick }: SearchResultsProps) {
  const { t } = useText();
  const query = useImageSearch(term);
  if (query.isPending)
    return (
      <p className="muted" role="status">
        {t('search.searching')}
      </p>
    );
  if (!query.data)
    return <ErrorBox title={t('search.failed', { term })} error={toEngineError(query.error)} onRetry={() => void query.refetch()} />;
  const { results, warnings } = query.data;
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} className="warning-text" lang="en">
          {warning}
        </p>
      ))}
      {results.length === 0 ? (
        <p className="muted" role="status">
          {t('search.nothing', { term })}
        </p>
      ) : (
        <>
          <p className="visually-hidden" role="status">
            {t('search.found', { count: results.length })}
          </p>
          <ul className="search-results" aria-label={t('search.results', { term })}>
            {results.map((result) => (
              <Result key={result.name} result={result} picked={result.name === picked} onPick={onPick} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

interface ResultProps {
  readonly result: SearchResult;
  readonly picked: boolean;
  readonly onPick: (repository: string) => void;
}

function Result({ result: { name, description, stars, official }, picked, onPick }: ResultProps) {
  const { t, language } = useText();
  return (
    <li>
      <button
        type="button"
        className="search-result"
        aria-pressed={picked}
        onClick={() => {
          onPick(name);
        }}
      >
        <span className="search-result-head">
          <strong>{name}</strong>
          {official ? <span className="tag">{t('search.official')}</span> : null}
          {stars > 0 ? (
            <span className="search-stars numbers" title={t('search.stars', { count: stars })}>
              <Star size={12} aria-hidden /> <span aria-hidden>{stars.toLocaleString(language)}</span>
              <span className="visually-hidden">{t('search.stars', { count: stars })}</span>
            </span>
          ) : null}
        </span>
        {description === '' ? null : <span className="muted">{description}</span>}
      </button>
    </li>
  );
}

interface TagsProps {
  readonly repository: string;
  /** The one that is in the field. */
  readonly tag: string;
  readonly onPick: (tag: string) => void;
}

/** The newest-looking first; without one the registry's `latest` is meant. */
export function Tags({ repository, tag, onPick }: TagsProps) {
  const { t } = useText();
  const query = useTags(repository);
  if (query.isPending)
    return (
      <p className="muted" role="status">
        {t('search.askingTags')}
      </p>
    );
  if (!query.data) return <ErrorBox title={t('search.tagsFailed', { name: repository })} error={toEngineError(query.error)} />;
  if (query.data.length === 0) return <p className="muted">{t('search.noTags')}</p>;
  return (
    <div className="tag-choice" role="group" aria-label={t('search.tags', { name: repository })}>
      <span className="muted">{t('images.columnTag')}</span>
      {query.data.map((one) => (
        <button
          key={one}
          type="button"
          className="tag tag-button"
          aria-pressed={one === tag}
          onClick={() => {
            onPick(one);
          }}
        >
          {one}
        </button>
      ))}
    </div>
  );
}
