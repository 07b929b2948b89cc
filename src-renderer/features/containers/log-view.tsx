import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDownToLine, CircleAlert, Download, FileX, ScrollText } from 'lucide-react';
import { type RefObject, useDeferredValue, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react';
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
import { useLog } from './use-log.ts';

const lineHeight = 18;
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
  const [current, setCurrent] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const follow = useFollow(scroller, buffer.length + buffer.dropped);
  const matches = useMatches(query, buffer, version);
  const virtualizer = useVirtualizer({
    count: buffer.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  });
  const { setFollowing } = follow;
  const show = (match: number) => {
    const line = matches.indices[match];
    setCurrent(match);
    if (line === undefined) return;
    setFollowing(false);
    virtualizer.scrollToIndex(line, { align: 'center' });
  };
  // Only what is searched for moves the view: new lines must not, so the effect depends on nothing else.
  const jump = useEffectEvent(() => {
    if (query !== '') show(matches.firstFrom(virtualizer.range?.startIndex ?? 0));
  });
  useEffect(() => {
    jump();
  }, [query]);
  useLayoutEffect(() => {
    virtualizer.measure();
  }, [view.wrap, view.timestamps, virtualizer]);
  useLayoutEffect(() => {
    if (follow.following && buffer.length > 0) virtualizer.scrollToIndex(buffer.length - 1, { align: 'end' });
  }, [follow.following, version, buffer, virtualizer, view.wrap]);
  const currentLine = matches.indices[current];
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
          count={matches.indices.length}
          current={Math.min(current, Math.max(0, matches.indices.length - 1))}
          onStep={(step) => {
            const { length } = matches.indices;
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
          {t('log.lines', { count: buffer.length, formatted: formatCount(buffer.length, language) })}
        </span>
        <Button icon={Download} onClick={download}>
          {t('log.download')}
        </Button>
      </div>
      {buffer.dropped > 0 ? <p className="notice-line">{t('log.dropped', { count: buffer.dropped })}</p> : null}
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
          onScroll={follow.onScroll}
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
                const line = buffer.at(item.index);
                return line ? (
                  <div
                    key={item.key}
                    data-index={item.index}
                    ref={view.wrap ? virtualizer.measureElement : undefined}
                    className="log-place"
                    style={{ transform: `translateY(${String(item.start)}px)` }}
                  >
                    <LogRow line={line} timestamps={view.timestamps} query={query} current={item.index === currentLine} />
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

/** `total` counts all lines that ever came. */
function useFollow(element: RefObject<HTMLDivElement | null>, total: number) {
  const [following, setFollow] = useState(true);
  const [seen, setSeen] = useState(0);
  const lastTop = useRef(0);
  const setFollowing = (on: boolean) => {
    setSeen(total);
    setFollow(on);
  };
  return {
    following,
    setFollowing,
    missed: following ? 0 : total - seen,
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
