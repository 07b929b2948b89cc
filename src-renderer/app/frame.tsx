import { Boxes, Database, HardDrive, Images, KeyRound, Monitor, Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { NavLink, Outlet, useLocation } from 'react-router';
import { useContainers, useImages } from '../client/objects.ts';
import { useText } from '../text/text.ts';
import { ActivityButton } from './activity-panel.tsx';
import { Gate } from './gate.tsx';
import { Palette } from './palette.tsx';
import { PreferencesButton } from './preferences-menu.tsx';
import { useShortcuts } from './shortcuts.ts';
import { Toaster } from './toaster.tsx';

export function Frame() {
  const { t } = useText();
  const [paletteOpen, setPaletteOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  useShortcuts(() => {
    setPaletteOpen((open) => !open);
  });
  useFocusOnNavigation(main);
  return (
    <div className="frame">
      <a
        className="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t('app.skip')}
      </a>
      <Navigation />
      <header className="topbar">
        <button
          type="button"
          className="palette-button"
          aria-keyshortcuts="Control+K"
          onClick={() => {
            setPaletteOpen(true);
          }}
        >
          <Search size={15} aria-hidden />
          <span>{t('app.search')}</span>
          <kbd>Ctrl K</kbd>
        </button>
        <div className="topbar-end">
          <ActivityButton />
          <PreferencesButton />
        </div>
      </header>
      <main ref={main} id="main" tabIndex={-1}>
        <Gate>
          <Outlet />
        </Gate>
      </main>
      <Palette open={paletteOpen} onOpenChange={setPaletteOpen} />
      <Toaster />
    </div>
  );
}

function Navigation() {
  const { t } = useText();
  const containers = useContainers();
  const images = useImages();
  const running = [...containers.value.byId.values()].filter((container) => container.state === 'running').length;
  const items = [
    { to: '/containers', icon: Boxes, label: t('app.containers'), count: containers.status === 'live' ? running : undefined },
    { to: '/images', icon: Images, label: t('app.images'), count: images.status === 'live' ? images.value.length : undefined },
    { to: '/volumes', icon: Database, label: t('app.volumes'), count: undefined },
    { to: '/registries', icon: KeyRound, label: t('app.registries'), count: undefined },
    { to: '/disk', icon: HardDrive, label: t('app.disk'), count: undefined },
    { to: '/system', icon: Monitor, label: t('app.system'), count: undefined },
  ];
  return (
    <nav className="sidebar" aria-label={t('app.navigation')}>
      <NavLink to="/" className="brand">
        <img src={new URL('./icon.svg', import.meta.url).href} alt="" width={22} height={22} />
        <span>{t('app.name')}</span>
      </NavLink>
      <ul>
        {items.map(({ to, icon: Icon, label, count }) => (
          <li key={to}>
            <NavLink to={to} title={label}>
              <Icon size={17} aria-hidden />
              <span className="nav-label">{label}</span>
              {count === undefined ? null : <span className="nav-count">{count}</span>}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/**
 * A new page is read from its title on; a change of the tab inside of a page leaves the focus where it is. The page that the window
 * opens with has no such right, not even when `/` has led to it: the first stop of the Tab key is the skip link.
 */
function useFocusOnNavigation(main: { readonly current: HTMLElement | null }): void {
  const { pathname } = useLocation();
  const page = pathname.split('/').slice(0, 3).join('/');
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = pathname === '/' || pathname === '/index.html';
      return;
    }
    const heading = main.current?.querySelector('h1');
    (heading ?? main.current)?.focus({ preventScroll: true });
  }, [page, pathname, main]);
}
