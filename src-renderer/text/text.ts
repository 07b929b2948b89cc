/** The language of the interface, and how numbers, sizes and dates look in it. */
import i18next, { type TFunction } from 'i18next';
import { createContext, useContext } from 'react';
import { initReactI18next } from 'react-i18next';
import { en } from './en.ts';
import { ja } from './ja.ts';

export const languages = { en: 'English', ja: '日本語' } as const;
export type Language = keyof typeof languages;
export type Text = TFunction;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

export function isLanguage(value: string | null | undefined): value is Language {
  return value !== null && value !== undefined && Object.hasOwn(languages, value);
}

/** The first of the browser's languages that there are texts for. */
export function preferredLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (isLanguage(language)) return language;
  }
  return 'en';
}

export async function startText(language: Language): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en }, ja: { translation: ja } },
    // React escapes by itself.
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = language;
}

export async function changeLanguage(language: Language): Promise<void> {
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export interface TextValue {
  readonly t: Text;
  readonly language: Language;
}

/** Filled by the one `TextProvider`: a table has hundreds of readers, and a subscription for each would be felt. */
export const TextContext = createContext<TextValue>({ t: i18next.t, language: 'en' });

export function useText(): TextValue {
  return useContext(TextContext);
}

/** Outside of components: for messages that are made once. */
export function text(): Text {
  return i18next.t;
}
