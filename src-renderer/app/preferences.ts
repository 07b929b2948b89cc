/** Theme and language of this window's reader; kept in the browser, not in the engine. */
import { createStore } from '../client/store.ts';
import { changeLanguage, isLanguage, type Language, preferredLanguage } from '../text/text.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

interface Preferences {
  readonly theme: Theme;
  readonly language: Language;
}

const key = 'selkie.preferences';

function read(): Preferences {
  let stored: Partial<Record<keyof Preferences, string>> = {};
  try {
    stored = JSON.parse(localStorage.getItem(key) ?? '{}') as typeof stored;
  } catch {
    // Storage can be switched off, and what it holds can be broken: the defaults do.
  }
  return {
    theme: themes.find((theme) => theme === stored.theme) ?? 'auto',
    language: isLanguage(stored.language) ? stored.language : preferredLanguage(navigator.languages),
  };
}

export const preferences = createStore<Preferences>(read());

function save(change: Partial<Preferences>): void {
  const next = { ...preferences.get(), ...change };
  preferences.set(next);
  try {
    localStorage.setItem(key, JSON.stringify(next));
  } catch {
    // Then it holds for this window only.
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export function setTheme(theme: Theme): void {
  applyTheme(theme);
  save({ theme });
}

export function setLanguage(language: Language): void {
  save({ language });
  void changeLanguage(language);
}
