// The one file in which Asio and Beast are compiled (see BatonDependencies.cmake): every other user sees declarations only.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
