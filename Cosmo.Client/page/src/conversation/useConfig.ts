import { useEffect, useState } from "preact/hooks";
import { type Config, readConfig } from "../config.js";

const retryEvery = 3_000;

/** What the page's server says; null until it has answered. It is asked until it does. */
export function useConfig(): Config | null {
  const [config, setConfig] = useState<Config | null>(null);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      readConfig().then(
        (read) => isOver || setConfig(read),
        () => (timer = isOver ? undefined : setTimeout(ask, retryEvery)),
      );
    };
    ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  return config;
}
