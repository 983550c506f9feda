// What is precompiled needs a target to be of.
