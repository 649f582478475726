// Loads the yaml package when it is first needed: its modules take several milliseconds, and what kubeadm writes is read without them.
// CommonJS, because only `require` loads later and still at once; Node caches it, and a bundler moves it into the bundle unevaluated.
"use strict";

exports.loadYaml = () => require("yaml");
