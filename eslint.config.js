import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['out/**', 'dist/**', 'node_modules/**', 'test/.output/**'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // A forgotten await here is a leaked mount.
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only: a default export has no name to search for.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:child_process', message: 'Use system.processes (src-main/system).' },
            { name: 'koffi', message: 'FFI lives in src-main/system/linux only.' },
          ],
        },
      ],
      'no-console': 'error',
    },
  },
  // The rooms that own what the rules above keep from everybody else.
  {
    files: ['src-main/system/**', 'src-main/launch/**', 'src-main/hosts/**', 'test/**', '*.config.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  { files: ['test/**', '*.config.ts'], rules: { 'no-console': 'off', 'no-restricted-syntax': 'off' } },
);
