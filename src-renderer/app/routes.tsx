import { SearchX } from 'lucide-react';
import { createHashRouter, Navigate } from 'react-router';
import { ContainerDetailPage } from '../features/containers/detail.tsx';
import { ContainerList } from '../features/containers/list.tsx';
import { DiskPage } from '../features/disk/page.tsx';
import { ImageDetailPage } from '../features/images/detail.tsx';
import { ImageList } from '../features/images/list.tsx';
import { RegistriesPage } from '../features/registries/page.tsx';
import { RunPage } from '../features/run/page.tsx';
import { FirstRunPage } from '../features/system/first-run.tsx';
import { SystemPage } from '../features/system/page.tsx';
import { VolumeList } from '../features/volumes/list.tsx';
import { useText } from '../text/text.ts';
import { FullState } from '../ui/page.tsx';
import { Crashed } from './error-boundary.tsx';
import { Frame } from './frame.tsx';
import { Start } from './start.tsx';

function NoPage() {
  const { t } = useText();
  return <FullState alone icon={SearchX} title={t('app.pageNotFound')} hint={t('app.pageNotFoundHint')} />;
}

/** Addresses behind `#`, so that they work from a file as well as from a server. */
export const router = createHashRouter([
  {
    element: <Frame />,
    children: [
      {
        errorElement: <Crashed />,
        children: [
          { index: true, element: <Start /> },
          { path: 'first-run', element: <FirstRunPage /> },
          { path: 'containers', element: <ContainerList /> },
          { path: 'containers/:id', element: <ContainerDetailPage /> },
          { path: 'containers/:id/:tab', element: <ContainerDetailPage /> },
          { path: 'images', element: <ImageList /> },
          { path: 'images/:id', element: <ImageDetailPage /> },
          { path: 'images/:id/:tab', element: <ImageDetailPage /> },
          { path: 'registries', element: <RegistriesPage /> },
          { path: 'volumes', element: <VolumeList /> },
          { path: 'disk', element: <DiskPage /> },
          { path: 'run', element: <RunPage /> },
          { path: 'system', element: <SystemPage /> },
          { path: 'index.html', element: <Navigate to="/" replace /> },
          { path: '*', element: <NoPage /> },
        ],
      },
    ],
    errorElement: <Crashed />,
  },
]);
