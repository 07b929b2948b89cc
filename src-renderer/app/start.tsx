import { Navigate } from 'react-router';
import { useContainers, useImages } from '../client/objects.ts';
import { Loading } from '../ui/page.tsx';

/** Where the window opens: at the first steps while there is nothing, else at the containers. */
export function Start() {
  const containers = useContainers();
  const images = useImages();
  if (containers.status === 'failed' || images.status === 'failed') return <Navigate to="/containers" replace />;
  if (containers.status === 'live' && containers.value.byId.size > 0) return <Navigate to="/containers" replace />;
  if (containers.status === 'loading' || images.status === 'loading') return <Loading />;
  return <Navigate to={images.value.length === 0 ? '/first-run' : '/containers'} replace />;
}
