mod charging;
