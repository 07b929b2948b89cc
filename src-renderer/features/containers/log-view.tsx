import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownToLine, CircleAlert, Download, FileX, ScrollText } from 'lucide-react';
import { type RefObject, useCallback, useDeferredValue, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react';
import type { ContainerDetail } from '../../../src-main/contract/container.ts';
import { notify, notifyFailure } from '../../client/notices.ts';
import { createStore, useStore } from '../../client/store.ts';
import { formatCount } from '../../text/format.ts';
import { useText } from '../../text/text.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorWords } from '../../ui/error-box.tsx';
import { CheckField } from '../../ui/field.tsx';
import { FindBar } from '../../ui/find-bar.tsx';
import { FullState, Loading } from '../../ui/page.tsx';
import { downloadLog } from './log-download.ts';
import { type LogBuffer, LogMatches } from './log-buffer.ts';
import { LogRow } from './log-row.tsx';
import { type LogStream, useLog } from './use-log.ts';

const lineHeight = 18;
/** Read in a tenth of a second. */
const largestPage = 20_000;
/** Kept for the next container. */
const viewStore = createStore({ timestamps: false, wrap: false });

export function LogView({ container }: { readonly container: ContainerDetail }) {
  const { t } = useText();
  if (container.host.logDriver === 'none') return <FullState icon={FileX} title={t('log.none')} />;
  return <Log container={container} />;
}

function Log({ container }: { readonly container: ContainerDetail }) {
  const { t, language } = useText();
  const log = useLog(container.id, container.startedAt);
  const { buffer, version } = log;
  const view = useStore(viewStore);
  const [typed, setTyped] = useState('');
  const query = useDeferredValue(typed);
  const scroller = useRef<HTMLDivElement>(null);
  const follow = useFollow(scroller, log);
  const matches = useMatches(query, buffer, version);
  const virtualizer = useVirtualizer({
    count: buffer.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 20,
    // A wrapped line keeps its height when lines are added before it.
    getItemKey: useCallback((index: number) => buffer.first + index, [buffer, buffer.first]),
  });
  const { setFollowing } = follow;
  const [currentLine, setCurrentLine] = useState<number>();
  const show = (place: number) => {
    const line = matches.lines[place];
    setCurrentLine(line);
    if (line === undefined) return;
    setFollowing(false);
    virtualizer.scrollToIndex(line - buffer.first, { align: 'center' });
  };
  useJump(query, matches, buffer, () => {
    show(matches.firstFrom(buffer.first + (virtualizer.range?.startIndex ?? 0)));
  });
  useOlderForSearch(query, log);
  useLayoutEffect(() => {
    virtualizer.measure();
  }, [view.wrap, view.timestamps, virtualizer]);
  useStayOnPrepend(scroller, buffer, (count) => virtualizer.measurementsCache[count]?.start ?? count * lineHeight);
  useLayoutEffect(() => {
    if (follow.following && buffer.length > 0) virtualizer.scrollToIndex(buffer.length - 1, { align: 'end' });
  }, [follow.following, version, buffer, virtualizer, view.wrap]);
  const current = currentLine === undefined ? 0 : matches.firstFrom(currentLine);
  const download = () => {
    downloadLog(container, view.timestamps).then(
      (name) => {
        notify({ kind: 'done', title: t('log.downloaded', { name }) });
      },
      (error: unknown) => {
        notifyFailure(t('log.failed'), error);
      },
    );
  };
  return (
    <div className="log">
      <div className="toolbar">
        <FindBar
          label={t('log.searchLabel')}
          placeholder={t('log.searchPlaceholder')}
          query={typed}
          onQuery={setTyped}
          count={matches.lines.length}
          current={current}
          busy={query !== '' && log.older !== 'none'}
          onStep={(step) => {
            const { length } = matches.lines;
            if (length > 0) show((current + step + length) % length);
          }}
        />
        <CheckField
          label={t('log.timestamps')}
          checked={view.timestamps}
          onChange={(event) => {
            const timestamps = event.target.checked;
            viewStore.update((now) => ({ ...now, timestamps }));
          }}
        />
        <CheckField
          label={t('log.wrap')}
          checked={view.wrap}
          onChange={(event) => {
            const wrap = event.target.checked;
            viewStore.update((now) => ({ ...now, wrap }));
          }}
        />
        <span className="toolbar-end muted numbers">
          {t(log.older === 'none' && !buffer.dropped ? 'log.lines' : 'log.linesLast', {
            count: buffer.length,
            formatted: formatCount(buffer.length, language),
          })}
        </span>
        <Button icon={Download} onClick={download}>
          {t('log.download')}
        </Button>
      </div>
      {buffer.dropped ? <p className="notice-line">{t('log.dropped')}</p> : null}
      {log.error ? (
        <div className="notice-line">
          <CircleAlert size={15} aria-hidden className="tone-bad" /> {t('log.failed')}: <ErrorWords error={log.error} />
        </div>
      ) : null}
      <div className="log-frame">
        <div
          className={view.wrap ? 'log-scroller log-wrap' : 'log-scroller'}
          ref={scroller}
          tabIndex={0}
          role="log"
          aria-live="off"
          aria-label={t('log.label')}
          onScroll={(event) => {
            follow.onScroll();
            const { scrollTop, clientHeight } = event.currentTarget;
            if (!follow.following && scrollTop < clientHeight) log.loadOlder(Math.min(largestPage, Math.max(4_000, buffer.length)));
          }}
        >
          {buffer.length === 0 ? (
            log.status === 'reading' && container.state !== 'running' ? (
              <Loading label={t('log.reading')} />
            ) : (
              <FullState icon={ScrollText} title={t('log.empty')} hint={t('log.emptyHint')} />
            )
          ) : (
            <div className="log-lines" style={{ height: virtualizer.getTotalSize() }}>
              {virtualizer.getVirtualItems().map((item) => {
                const number = buffer.first + item.index;
                const line = buffer.line(number);
                return line ? (
                  <div
                    key={item.key}
                    data-index={item.index}
                    ref={view.wrap ? virtualizer.measureElement : undefined}
                    className="log-place"
                    style={{ transform: `translateY(${String(item.start)}px)` }}
                  >
                    <LogRow line={line} timestamps={view.timestamps} query={query} current={number === currentLine} />
                  </div>
                ) : null;
              })}
            </div>
          )}
        </div>
        {follow.following || buffer.length === 0 ? null : (
          <Button
            className="to-end"
            variant="primary"
            icon={ArrowDownToLine}
            onClick={() => {
              follow.setFollowing(true);
            }}
          >
            {follow.missed > 0 ? t('log.paused', { count: follow.missed }) : t('log.toEnd')}
          </Button>
        )}
      </div>
      <p className="log-foot muted" role="status">
        {log.status === 'ended' ? t('log.ended') : follow.following ? t('log.following') : ''}
      </p>
    </div>
  );
}

function useFollow(element: RefObject<HTMLDivElement | null>, { buffer, newFrom }: LogStream) {
  const [following, setFollow] = useState(true);
  const [seen, setSeen] = useState({ buffer, end: 0 });
  const lastTop = useRef(0);
  const setFollowing = (on: boolean) => {
    setSeen({ buffer, end: buffer.end });
    setFollow(on);
  };
  return {
    following,
    setFollowing,
    /** Lines that were written since; not those that were merely read since. */
    missed: following ? 0 : Math.max(0, buffer.end - Math.max(newFrom, seen.buffer === buffer ? seen.end : 0)),
    /** Only a person moves the view up; lines that are added move nothing. */
    onScroll: () => {
      const at = element.current;
      if (!at) return;
      const up = at.scrollTop < lastTop.current - 2;
      lastTop.current = at.scrollTop;
      const atEnd = at.scrollTop + at.clientHeight >= at.scrollHeight - 4;
      if (atEnd && !following && !up) setFollowing(true);
      else if (up && following && !atEnd) setFollowing(false);
    },
  };
}

/** Only what is searched for moves the view: a new line that fits must not. An older one may, while nothing was found yet. */
function useJump(query: string, matches: LogMatches, buffer: LogBuffer, jump: () => void): void {
  const asked = useRef({ query, end: 0 });
  if (asked.current.query !== query) asked.current = { query, end: buffer.end };
  const found = query !== '' && (matches.lines[0] ?? Number.POSITIVE_INFINITY) < asked.current.end;
  const onFound = useEffectEvent(() => {
    if (found) jump();
  });
  useEffect(() => {
    onFound();
  }, [query, found]);
}

/** What is searched for may stand before the lines that are here: they are fetched, page by page, as long as it is searched for. */
function useOlderForSearch(query: string, log: LogStream): void {
  const load = useEffectEvent(() => {
    log.loadOlder(largestPage);
  });
  useEffect(() => {
    if (query !== '' && log.older === 'some') load();
  }, [query, log.older, log.version]);
}

/** What is in sight stays in sight when lines are added before it, or let go of there. */
function useStayOnPrepend(element: RefObject<HTMLDivElement | null>, buffer: LogBuffer, heightOf: (count: number) => number): void {
  const known = useRef({ buffer, first: buffer.first });
  useLayoutEffect(() => {
    const added = known.current.buffer === buffer ? known.current.first - buffer.first : 0;
    known.current = { buffer, first: buffer.first };
    if (added === 0 || !element.current) return;
    element.current.scrollTop += added > 0 ? heightOf(added) : added * lineHeight;
  });
}

function useMatches(query: string, buffer: LogBuffer, version: number): LogMatches {
  const known = useRef({ matches: new LogMatches(query), buffer, query, version: -1 });
  if (known.current.buffer !== buffer || known.current.query !== query)
    known.current = { matches: new LogMatches(query), buffer, query, version: -1 };
  if (known.current.version !== version) {
    known.current.version = version;
    known.current.matches.extend(buffer);
  }
  return known.current.matches;
}
