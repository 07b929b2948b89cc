import { SlidersHorizontal } from 'lucide-react';
import { useStore } from '../client/store.ts';
import { type Language, languages, useText } from '../text/text.ts';
import { IconButton } from '../ui/button.tsx';
import { Menu } from '../ui/menu.tsx';
import { preferences, setLanguage, setTheme, themes } from './preferences.ts';

export const themeTexts = { auto: 'preferences.themeAuto', light: 'preferences.themeLight', dark: 'preferences.themeDark' } as const;

export function PreferencesButton() {
  const { t } = useText();
  const current = useStore(preferences);
  return (
    <Menu
      label={t('preferences.title')}
      trigger={<IconButton icon={SlidersHorizontal} label={t('preferences.title')} />}
      items={[
        ...themes.map((theme) => ({
          id: theme,
          label: t(themeTexts[theme]),
          checked: current.theme === theme,
          onSelect: () => {
            setTheme(theme);
          },
        })),
        ...Object.entries(languages).map(([language, label], index) => ({
          id: language,
          label,
          separated: index === 0,
          checked: current.language === language,
          onSelect: () => {
            setLanguage(language as Language);
          },
        })),
      ]}
    />
  );
}
